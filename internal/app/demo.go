package app

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"cairn"
	"cairn/internal/demo"
	"cairn/internal/web"
	"cairn/internal/work"
)

const demoMemo = "demo"

// demoCompany returns the company of this workspace and the first day of it
// that has not been told: the one that was begun, or the one that o names when
// none was.
func (a *App) demoCompany(ctx context.Context, o demo.Options) (*demo.Company, cairn.Day, error) {
	body, err := a.Store.Memo(ctx, demoMemo)
	if err != nil {
		return nil, 0, err
	}
	var begun *demo.Memory
	if body != "" {
		begun = new(demo.Memory)
		if err := json.Unmarshal([]byte(body), begun); err != nil {
			return nil, 0, err
		}
	}
	return demo.Open(o, begun, time.Now())
}

// driver lets the company of this workspace live. The stages must not run
// while it tells history.
func (a *App) driver(c *demo.Company, from cairn.Day, visitor string, progress func(done, total int)) *demo.Driver {
	return &demo.Driver{
		Company: c, From: from, Every: 14, Daily: 21, Door: a.Door, Clock: a.Clock, Settle: a.Settle, Visitor: visitor, Progress: progress,
		OpenTasks: func(ctx context.Context) ([]cairn.Task, error) {
			items, err := a.Store.Tasks(ctx, cairn.Everything, work.Query{Limit: 10_000}, a.Clock.Now())
			if err != nil {
				return nil, err
			}
			tasks := make([]cairn.Task, len(items))
			for i, it := range items {
				tasks[i] = it.Task
			}
			return tasks, nil
		},
		Done: func(ctx context.Context, m demo.Memory) error {
			b, err := json.Marshal(m)
			if err != nil {
				return err
			}
			return a.Store.Remember(ctx, demoMemo, string(b))
		},
	}
}

// prepareDemo makes the sources and the company.
func (a *App) prepareDemo(ctx context.Context, o demo.Options) (*demo.Company, cairn.Day, error) {
	// The same demo is the same log everywhere, and people's ids are part of it.
	if err := a.Store.UsePepper(ctx, sha256.Sum256([]byte("cairn demo"))); err != nil {
		return nil, 0, err
	}
	for _, src := range demo.Sources() {
		if src.Name == houseSource.Name {
			continue
		}
		if _, err := a.Store.Source(ctx, src.Name); err == nil {
			continue
		}
		if err := a.Store.SaveSource(ctx, cairn.House, src, "The made-up company's.", a.Clock.Now()); err != nil {
			return nil, 0, err
		}
	}
	return a.demoCompany(ctx, o)
}

// Feed tells the company's history to its end and returns.
func (a *App) Feed(ctx context.Context, o demo.Options, say func(Progress)) (DemoFed, error) {
	c, from, err := a.prepareDemo(ctx, o)
	if err != nil {
		return DemoFed{}, err
	}
	mail, password, err := a.demoLogin(ctx)
	if err != nil {
		return DemoFed{}, err
	}
	if a.serving {
		return DemoFed{}, cairn.Errorf(cairn.Conflict, "A server runs here, whose clock is the real one. Start it with --demo instead, or stop it first.")
	}
	defer a.Clock.Free()
	d := a.driver(c, from, mail, func(done, total int) {
		say(Progress{What: "Feeding the demo company", Done: int64(done), Of: int64(total), Unit: "days"})
	})
	err = d.History(ctx)
	return DemoFed{Accounts: c.Accounts, Months: c.Months, Seed: c.Seed, Until: c.End().String(), Login: mail, Password: password}, err
}

// liveDemo feeds history while pages answer already, and then lets the
// company go on living beside the running stages.
func (a *App) liveDemo(ctx context.Context) error {
	c, from, err := a.prepareDemo(ctx, demo.Options{})
	if err != nil {
		return err
	}
	mail, _, err := a.demoLogin(ctx)
	if err != nil {
		return err
	}
	const what = "Feeding the demo company"
	start := time.Now()
	next := start
	d := a.driver(c, from, mail, func(done, total int) {
		a.feeds.set(web.Progress{Name: what, Done: int64(done), Of: int64(total), Note: "days of history"})
		if time.Now().After(next) {
			next = time.Now().Add(10 * time.Second)
			a.log.Info("feeding the demo company", "day", done, "of", total)
		}
	})
	err = d.CatchUp(ctx)
	a.Clock.Free()
	a.feeds.end(what)
	if err != nil {
		return err
	}
	a.log.Info("the demo company is up to date", "took", time.Since(start).Round(time.Second))
	a.flow.Start(ctx)
	return d.Live(ctx)
}

// demoLogin returns the address and password of the demo's visitor, and makes
// the users at the first call. The password is kept: everything here is made
// up, and it has to be told again at every start.
func (a *App) demoLogin(ctx context.Context) (mail, password string, err error) {
	const memo = "demo-login"
	c := demo.New(1, 1, 1, time.Unix(0, 0))
	owners := c.Owners()
	if password, err = a.Store.Memo(ctx, memo); err != nil || password != "" {
		return owners[0].Mail, password, err
	}
	var b [8]byte
	rand.Read(b[:])
	password = strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))[:12]
	for i, o := range owners {
		pw := password
		if i > 0 { // they own accounts and cannot sign in
			rand.Read(b[:])
			pw = base32.StdEncoding.EncodeToString(b[:])
		}
		if _, err := a.Auth.AddUser(ctx, cairn.House, o.Mail, o.Name, pw, i == 0); err != nil && cairn.KindOf(err) != cairn.Conflict {
			return "", "", err
		}
	}
	return owners[0].Mail, password, a.Store.Remember(ctx, memo, password)
}

// feeds are the long works under way, as pages show them.
type feeds struct {
	mu    sync.Mutex
	under []web.Progress
}

func (f *feeds) list() []web.Progress {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]web.Progress(nil), f.under...)
}

func (f *feeds) set(p web.Progress) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.under {
		if f.under[i].Name == p.Name {
			f.under[i] = p
			return
		}
	}
	f.under = append(f.under, p)
}

func (f *feeds) end(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.under {
		if f.under[i].Name == name {
			f.under = append(f.under[:i], f.under[i+1:]...)
			return
		}
	}
}
