package sqlstore

import (
	"context"
	"database/sql"
	"sync"

	"cairn"
)

// maxPrepared bounds how many statements a pool keeps prepared. Texts that
// vary with their arguments come after the constant ones and stay unprepared.
const maxPrepared = 1000

// A pool is a database whose statements are parsed once.
type pool struct {
	*sql.DB
	engine Engine

	mu    sync.RWMutex
	stmts map[string]*sql.Stmt
	asked map[string]bool // within transactions, to be prepared after them
}

func newPool(db *sql.DB, e Engine) *pool {
	return &pool{DB: db, engine: e, stmts: map[string]*sql.Stmt{}, asked: map[string]bool{}}
}

func (p *pool) have(text string) (st *sql.Stmt, full bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.stmts[text], len(p.stmts) >= maxPrepared
}

// prepare returns the prepared statement of a text, nil when there are too
// many or it cannot be prepared; running the text then says why.
func (p *pool) prepare(ctx context.Context, text string) *sql.Stmt {
	st, full := p.have(text)
	if st != nil || full {
		return st
	}
	st, err := p.DB.PrepareContext(context.WithoutCancel(ctx), text)
	if err != nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if was := p.stmts[text]; was != nil {
		st.Close()
		return was
	}
	p.stmts[text] = st
	return st
}

// later asks for a text to be prepared once no transaction holds the
// connection.
func (p *pool) later(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.stmts)+len(p.asked) < maxPrepared {
		p.asked[text] = true
	}
}

// catchUp prepares what transactions asked for.
func (p *pool) catchUp(ctx context.Context) {
	p.mu.Lock()
	asked := p.asked
	if len(asked) > 0 {
		p.asked = map[string]bool{}
	}
	p.mu.Unlock()
	for text := range asked {
		p.prepare(ctx, text)
	}
}

// told turns what the engine says of a database that is full, read-only or
// away into what callers may see and try again; other errors pass.
func (p *pool) told(err error) error {
	if err == nil || cairn.KindOf(err) != cairn.Internal {
		return err
	}
	if text := p.engine.Trouble(err); text != "" {
		return cairn.Errorf(cairn.Unavailable, "%s", text).Because(err)
	}
	return err
}

// A row is the answer of a query for one row.
type row struct {
	*sql.Row
	pool *pool
}

// Scan reads the columns; [sql.ErrNoRows] when there is no row.
func (r row) Scan(into ...any) error { return r.pool.told(r.Row.Scan(into...)) }

// QueryContext runs a query through its prepared statement.
func (p *pool) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if st := p.prepare(ctx, text); st != nil {
		rows, err := st.QueryContext(ctx, args...)
		return rows, p.told(err)
	}
	rows, err := p.DB.QueryContext(ctx, text, args...)
	return rows, p.told(err)
}

// QueryRowContext runs a query for one row through its prepared statement.
func (p *pool) QueryRowContext(ctx context.Context, text string, args ...any) row {
	if st := p.prepare(ctx, text); st != nil {
		return row{st.QueryRowContext(ctx, args...), p}
	}
	return row{p.DB.QueryRowContext(ctx, text, args...), p}
}

// A Tx is a writing transaction whose statements are parsed once.
type Tx struct {
	*sql.Tx
	pool *pool
}

func (tx *Tx) stmt(ctx context.Context, text string) *sql.Stmt {
	st, full := tx.pool.have(text)
	if st == nil {
		if !full {
			tx.pool.later(text)
		}
		return nil
	}
	return tx.StmtContext(ctx, st)
}

// ExecContext runs a statement through its prepared form.
func (tx *Tx) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	if st := tx.stmt(ctx, text); st != nil {
		return st.ExecContext(ctx, args...)
	}
	return tx.Tx.ExecContext(ctx, text, args...)
}

// QueryContext runs a query through its prepared form.
func (tx *Tx) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if st := tx.stmt(ctx, text); st != nil {
		return st.QueryContext(ctx, args...)
	}
	return tx.Tx.QueryContext(ctx, text, args...)
}

// QueryRowContext runs a query for one row through its prepared form.
func (tx *Tx) QueryRowContext(ctx context.Context, text string, args ...any) row {
	if st := tx.stmt(ctx, text); st != nil {
		return row{st.QueryRowContext(ctx, args...), tx.pool}
	}
	return row{tx.Tx.QueryRowContext(ctx, text, args...), tx.pool}
}

// PrepareContext returns the prepared statement of a text, for the rest of
// the transaction.
func (tx *Tx) PrepareContext(ctx context.Context, text string) (*sql.Stmt, error) {
	if st := tx.stmt(ctx, text); st != nil {
		return st, nil
	}
	return tx.Tx.PrepareContext(ctx, text)
}
