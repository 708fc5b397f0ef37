package sqlstore

// An aged map remembers what was used lately: when it is full, what was not
// used since it was full before is forgotten.
type aged[K comparable, V any] struct {
	young, old map[K]V
	weight     int // of what was put into young
}

func (a *aged[K, V]) get(k K) (V, bool) {
	v, ok := a.young[k]
	if ok {
		return v, true
	}
	if v, ok = a.old[k]; ok {
		delete(a.old, k)
		if a.young == nil {
			a.young = map[K]V{}
		}
		a.young[k] = v
		a.weight++
	}
	return v, ok
}

func (a *aged[K, V]) put(k K, v V, weight, most int) {
	if a.weight >= most {
		a.young, a.old, a.weight = nil, a.young, 0
	}
	if a.young == nil {
		a.young = map[K]V{}
	}
	if _, known := a.young[k]; !known || weight == 1 {
		a.weight += weight
	}
	delete(a.old, k)
	a.young[k] = v
}

func (a *aged[K, V]) forget(k K) {
	delete(a.young, k)
	delete(a.old, k)
}

func (a *aged[K, V]) drop(which func(K) bool) {
	for _, m := range []map[K]V{a.young, a.old} {
		for k := range m {
			if which(k) {
				delete(m, k)
			}
		}
	}
}
