package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strings"

	"cairn"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Schema returns the texts of all migrations in order, as e runs them.
func Schema(e Engine) ([]string, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	var out []string
	for _, n := range names { // Glob sorts
		b, err := migrations.ReadFile(n)
		if err != nil {
			return nil, err
		}
		out = append(out, e.Migration(string(b)))
	}
	return out, nil
}

// migrate brings the schema to this version, all in one transaction. A
// database of a later version is refused.
func migrate(ctx context.Context, db *sql.DB, e Engine) error {
	texts, err := Schema(e)
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `
		/* migrate */
		create table if not exists migration (version integer not null primary key)`); err != nil {
		return err
	}
	var have int
	if err := tx.QueryRowContext(ctx, `
		/* migrate */
		select coalesce(max(version), 0) from migration`).Scan(&have); err != nil {
		return err
	}
	if have > len(texts) {
		return cairn.Errorf(cairn.Conflict, "This data was written by a later version of Cairn (schema %d, this one knows %d). Start that version.", have, len(texts))
	}
	for v := have; v < len(texts); v++ {
		for _, stmt := range statements(texts[v]) {
			if _, err := tx.ExecContext(ctx, stmt); err != nil {
				return fmt.Errorf("migration %d: %w in %s", v+1, err, stmt)
			}
		}
		if _, err := tx.ExecContext(ctx, `
			/* migrate */
			insert into migration (version) values ($1)`, v+1); err != nil {
			return err
		}
	}
	for p := range cairn.Partitions {
		if _, err := tx.ExecContext(ctx, `
			/* migrate */
			insert into counter (part, n) values ($1, 0) on conflict do nothing`, p); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// statements splits a migration at the semicolons that end a line.
func statements(text string) []string {
	var out []string
	for _, s := range strings.Split(text, ";\n") {
		if strings.TrimSpace(stripComments(s)) != "" {
			out = append(out, s)
		}
	}
	return out
}

func stripComments(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if i := strings.Index(line, "--"); i >= 0 {
			line = line[:i] + "\n"
		}
		b.WriteString(line)
	}
	return b.String()
}
