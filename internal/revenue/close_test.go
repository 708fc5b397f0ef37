package revenue

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/ledger"
)

func month(t *testing.T, s string) ledger.Month {
	t.Helper()
	m, err := ledger.ParseMonth(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestWhatIsLearntAboutAClosedMonthIsACorrectionOfTheOpenOne: beta left on 20
// May, which was told on 10 June; May was closed on 5 June.
func TestWhatIsLearntAboutAClosedMonthIsACorrectionOfTheOpenOne(t *testing.T) {
	ctx := context.Background()
	h := &house{contracts: toys[:2], traits: map[string]map[cairn.AccountID]string{"name": {id("beta"): "Beta"}}}
	// The words of beta that nobody knew on 5 June.
	beta := toys[2]
	h.contracts = append(h.contracts[:2:2], contract{beta.account, beta.key, beta.words[:1]})
	s := service(h)
	s.Now = func() time.Time { return when("2023-06-05") }
	done, err := s.Close(ctx, cairn.House, month(t, "2023-05"), "board meeting")
	if err != nil {
		t.Fatal(err)
	}
	if len(done) != 5 || done[0].Month != "2023-01" || done[4].Sums.End != 200_00 {
		t.Fatalf("%+v", done)
	}
	h.contracts[2] = beta
	s.Now = func() time.Time { return when("2023-06-15") }

	q := months("2023-05", "2023-06")
	now, err := s.Report(ctx, cairn.Everything, q)
	if err != nil {
		t.Fatal(err)
	}
	if m := now.Groups[0].Months; m[0].Churn != 50_00 || m[1].Start != 150_00 || now.Closed != month(t, "2023-05") {
		t.Errorf("as known now: %+v", now)
	}
	q.Booked = true
	booked, err := s.Report(ctx, cairn.Everything, q)
	if err != nil {
		t.Fatal(err)
	}
	may, june := booked.Groups[0].Months[0], booked.Groups[0].Months[1]
	if may.Churn != 0 || may.End != 200_00 || june.Start != 200_00 || june.Correction != -50_00 || june.CustomersLearnt != -1 || june.End != 150_00 {
		t.Errorf("as booked: %+v, %+v", may, june)
	}
	if june.Start+june.New+june.Expansion+june.Reactivation+june.Effect+june.Correction-june.Contraction-june.Churn != june.End {
		t.Errorf("%+v does not add up", june)
	}
	c, err := s.Corrections(ctx, cairn.Everything)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Difference{{Account: id("beta"), Name: "Beta", Month: "2023-05", A: "–", B: "churn 50.00", By: "-50.00", Minor: -50_00, Why: []string{}}}, c.Differ); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	// Closing June books the correction, after which July begins with the truth.
	s.Now = func() time.Time { return when("2023-07-03") }
	if done, err = s.Close(ctx, cairn.House, month(t, "2023-06"), ""); err != nil || len(done) != 1 || done[0].Sums.Correction != -50_00 {
		t.Fatalf("%+v, %v", done, err)
	}
	q = months("2023-05", "2023-07")
	q.Booked = true
	if booked, err = s.Report(ctx, cairn.Everything, q); err != nil || booked.Groups[0].Months[2].Start != 150_00 || booked.Groups[0].Months[2].Correction != 0 {
		t.Errorf("%+v, %v", booked.Groups, err)
	}
	if n, err := s.Reopen(ctx, cairn.House, month(t, "2023-05"), "a mistake"); err != nil || n != 2 {
		t.Errorf("%d, %v", n, err)
	}
}

func TestCloseRefusesWhatCannotBeClosed(t *testing.T) {
	ctx := context.Background()
	s := service(&house{contracts: toys})
	if _, err := s.Close(ctx, cairn.House, month(t, "2023-06"), ""); cairn.KindOf(err) != cairn.Invalid {
		t.Errorf("a month that goes on: %v", err)
	}
	if _, err := s.Close(ctx, cairn.House, month(t, "2023-05"), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Close(ctx, cairn.House, month(t, "2023-05"), ""); cairn.KindOf(err) != cairn.Conflict {
		t.Errorf("a month that is closed: %v", err)
	}
	if _, err := s.Reopen(ctx, cairn.House, month(t, "2023-06"), ""); cairn.KindOf(err) != cairn.NotFound {
		t.Errorf("a month that is open: %v", err)
	}
	q := months("2023-05", "2023-06")
	q.Booked, q.By = true, "product"
	if _, err := s.Report(ctx, cairn.Everything, q); cairn.KindOf(err) != cairn.Invalid {
		t.Errorf("booked by product: %v", err)
	}
}
