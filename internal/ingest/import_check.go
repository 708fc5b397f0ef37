package ingest

import "context"

// Check answers as Admit would and admits nothing. It cannot tell duplicates,
// and a record that is found through one of an earlier call is not found.
func (d *Door) Check(ctx context.Context, src Source, recs []Record) ([]Verdict, error) {
	a, err := d.admission(ctx, src, recs)
	if err != nil {
		return nil, err
	}
	verdicts := make([]Verdict, len(recs))
	for i, r := range recs {
		e, note, problem := a.event(r)
		if problem != nil {
			verdicts[i] = rejection(r, problem)
			continue
		}
		a.remember(e)
		verdicts[i] = Verdict{Index: r.Index, Status: Accepted, ID: e.ID, Note: note}
	}
	return verdicts, nil
}
