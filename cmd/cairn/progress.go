package main

import (
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"

	"cairn/internal/app"
)

// progress shows how far a long command has come: a bar on a terminal, and
// otherwise a line whenever ten seconds have passed. Done ends the bar.
func (c *cli) progress() (say func(app.Progress), done func()) {
	if terminal(c.err) {
		return c.bar()
	}
	last := time.Now()
	return func(p app.Progress) {
		if time.Since(last) < 10*time.Second {
			return
		}
		last = time.Now()
		fmt.Fprintln(c.err, progressLine(p))
	}, func() {}
}

func (c *cli) bar() (say func(app.Progress), done func()) {
	var bar *progressbar.ProgressBar
	var what string
	return func(p app.Progress) {
			of := p.Of
			if of <= 0 {
				of = -1
			}
			if bar == nil || what != p.What {
				if bar != nil {
					bar.Finish()
				}
				what = p.What
				bar = progressbar.NewOptions64(of,
					progressbar.OptionSetWriter(c.err),
					progressbar.OptionSetDescription(p.What),
					progressbar.OptionSetItsString(p.Unit),
					progressbar.OptionShowIts(),
					progressbar.OptionShowCount(),
					progressbar.OptionThrottle(100*time.Millisecond),
					progressbar.OptionClearOnFinish(),
				)
			}
			if of > 0 {
				bar.ChangeMax64(of)
			}
			bar.Set64(p.Done)
		}, func() {
			if bar != nil {
				bar.Finish()
			}
		}
}

func progressLine(p app.Progress) string {
	unit := p.Unit
	if unit != "" {
		unit = " " + unit
	}
	if p.Of > 0 {
		return fmt.Sprintf("%s: %d of %d%s (%d %%)", p.What, p.Done, p.Of, unit, p.Done*100/p.Of)
	}
	return fmt.Sprintf("%s: %d%s", p.What, p.Done, unit)
}
