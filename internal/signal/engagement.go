package signal

import "sort"

var moodNumber = map[string]float64{"good": 1, "neutral": 0, "bad": -1}

func (m *measurement) engagement() {
	if k, ok := m.latest(m.x.talks); ok {
		m.number(SinceTalk, m.since(k.day), k.last)
	} else {
		m.missing("No call, meeting, mail or note has been written down.", SinceTalk)
	}
	if k, ok := m.latest(m.x.moods); ok {
		m.number(Mood, moodNumber[k.mood], k.last)
	} else {
		m.missing("No mood has been written down.", Mood)
	}
}

// latest returns the last talk that counts.
func (m *measurement) latest(talks []talk) (talk, bool) {
	i := sort.Search(len(talks), func(i int) bool { return talks[i].day > m.day })
	if i == 0 {
		return talk{}, false
	}
	return talks[i-1], true
}
