package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"cairn"
	"cairn/internal/survival"
)

func (c *cli) fitCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "fit",
		Short: "Estimate how long customers stay, from a file",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.fitCurveCommand(), c.fitCompareCommand(), c.fitBetaCommand())
	return cmd
}

// lifetimeFlags adds the flags that name the columns of a table of lifetimes.
func lifetimeFlags(cmd *cobra.Command, names *survival.Columns) {
	cmd.Flags().StringVar(&names.Time, "time", "", "column of how long each lasted, or was seen to last (default: one called time, tenure, duration …)")
	cmd.Flags().StringVar(&names.Event, "event", "", "column of whether it ended: 1 or 0, yes or no (default: one called event, churn, status …)")
	cmd.Flags().StringVar(&names.Entry, "entry", "", "column of when it came under observation (default: all from their beginning)")
	cmd.Flags().StringVar(&names.Group, "group", "", "column that tells groups apart")
}

// A fitCurve is one curve as --json prints it; see docs/cli.md.
type fitCurve struct {
	Group  string           `json:"group"`
	N      int              `json:"n"`
	Ended  int              `json:"events"`
	Median survival.Median  `json:"median"`
	Mean   *survival.Mean   `json:"restricted_mean"`
	Points []survival.Point `json:"points"`
}

type fitCurves struct {
	Interval survival.Interval `json:"interval"`
	Rows     int               `json:"rows"`
	Left     int               `json:"left_out"`
	Curves   []fitCurve        `json:"curves"`
}

func (c *cli) fitCurveCommand() *cobra.Command {
	var names survival.Columns
	var horizon float64
	var interval string
	cmd := &cobra.Command{
		Use:   "km FILE",
		Short: "Kaplan-Meier: the share that lasts longer than each time",
		Long: `Estimate by Kaplan and Meier how long the lifetimes in a CSV file last, with
intervals of 95 %, the median, and the mean as far as a horizon. Who came under
observation late is counted from then on. FILE may be - for standard input.`,
		Example: "  cairn fit km customers.csv --time tenure --event churn --group contract",
		Args:    cobra.ExactArgs(1),
	}
	lifetimeFlags(cmd, &names)
	cmd.Flags().Float64Var(&horizon, "horizon", 0, "how far the mean looks (default: the last time that is known of all groups)")
	cmd.Flags().StringVar(&interval, "interval", string(survival.Log), "how intervals are made: log or log-log")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		table, err := readLifetimes(args[0], names)
		if err != nil {
			return err
		}
		out, err := fitCurvesOf(table, survival.Interval(interval), horizon)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, out)
		}
		return printCurves(c.out, out)
	}
	return cmd
}

func readLifetimes(name string, names survival.Columns) (survival.Table, error) {
	f, err := openInput(name)
	if err != nil {
		return survival.Table{}, err
	}
	defer f.Close()
	return survival.Read(f, names)
}

// openInput opens a file, or standard input for "-".
func openInput(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(os.Stdin), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, cairn.Errorf(cairn.NotFound, "The file %s cannot be read.", name).Because(err)
	}
	return f, nil
}

func fitCurvesOf(table survival.Table, how survival.Interval, horizon float64) (fitCurves, error) {
	out := fitCurves{Interval: how, Rows: table.Rows, Left: table.Left}
	curves := make([]survival.Curve, len(table.Groups))
	known := 0.0
	for i, g := range table.Groups {
		curve, err := survival.KaplanMeier(g.Lifetimes, how)
		if err != nil {
			return out, err
		}
		if curves[i] = curve; i == 0 || curve.Last < known {
			known = curve.Last
		}
	}
	for i, curve := range curves {
		f := fitCurve{Group: groupName(table.Groups[i].Name), N: curve.N, Ended: curve.Ended, Median: curve.Median(), Points: curve.Points}
		if f.Points == nil {
			f.Points = []survival.Point{}
		}
		if horizon != 0 || known > 0 {
			far := horizon
			if far == 0 {
				far = known
			}
			m, err := curve.Mean(far)
			if err != nil {
				return out, err
			}
			f.Mean = &m
		}
		out.Curves = append(out.Curves, f)
	}
	return out, nil
}

func groupName(name string) string {
	if name == "" {
		return "all"
	}
	return name
}

func printCurves(w io.Writer, out fitCurves) error {
	for i, f := range out.Curves {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s: %d lifetimes, %d ended; median %s (%s to %s)", f.Group, f.N, f.Ended,
			plain(f.Median.Time), plain(f.Median.Lower), plain(f.Median.Upper))
		if f.Mean != nil {
			fmt.Fprintf(w, "; mean until %s %.3f (standard error %.3f)", short(f.Mean.Horizon), f.Mean.Mean, f.Mean.Err)
		}
		fmt.Fprint(w, ".\n")
		g := grid{head: []string{">time", ">at risk", ">ended", ">survival", ">lower 95 %", ">upper 95 %"}}
		for _, p := range f.Points {
			g.add(short(p.Time), strconv.Itoa(p.Risk), strconv.Itoa(p.Ended), fmt.Sprintf("%.4f", p.Survival), fraction(p.Lower), fraction(p.Upper))
		}
		g.print(w)
	}
	if out.Left > 0 {
		fmt.Fprintf(w, "\n%d of %d rows were left out, since a cell is empty.\n", out.Left, out.Rows)
	}
	return nil
}

func short(f float64) string { return strconv.FormatFloat(f, 'g', 6, 64) }

func plain(f *float64) string {
	if f == nil {
		return "–"
	}
	return short(*f)
}

func fraction(f *float64) string {
	if f == nil {
		return "–"
	}
	return fmt.Sprintf("%.4f", *f)
}

// A fitCompared is what --json prints of a log-rank test; see docs/cli.md.
type fitCompared struct {
	ChiSquared float64    `json:"chisq"`
	Freedom    int        `json:"df"`
	P          float64    `json:"p"`
	Left       int        `json:"left_out"`
	Groups     []fitGroup `json:"groups"`
}

type fitGroup struct {
	Group    string  `json:"group"`
	N        int     `json:"n"`
	Observed float64 `json:"observed"`
	Expected float64 `json:"expected"`
}

func (c *cli) fitCompareCommand() *cobra.Command {
	var names survival.Columns
	var horizon float64
	cmd := &cobra.Command{
		Use:   "logrank FILE",
		Short: "Log-rank test: whether groups last equally long",
		Long: `Compare groups of lifetimes in a CSV file by the log-rank test. A small p says
that a difference as large as this one would be rare if the groups were alike.
FILE may be - for standard input.`,
		Example: "  cairn fit logrank customers.csv --time tenure --event churn --group contract",
		Args:    cobra.ExactArgs(1),
	}
	lifetimeFlags(cmd, &names)
	cmd.Flags().Float64Var(&horizon, "horizon", 0, "compare as far as this time only (default: all)")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if names.Group == "" {
			return cairn.Errorf(cairn.Invalid, "The test compares groups: --group names the column that tells them apart.").At("group")
		}
		table, err := readLifetimes(args[0], names)
		if err != nil {
			return err
		}
		out, err := compareGroups(table, horizon)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, out)
		}
		fmt.Fprintf(c.out, "Chi squared %.6f on %d degrees of freedom, p = %.4g.\n", out.ChiSquared, out.Freedom, out.P)
		g := grid{head: []string{"group", ">lifetimes", ">ended", ">expected"}}
		for _, x := range out.Groups {
			g.add(x.Group, strconv.Itoa(x.N), strconv.FormatFloat(x.Observed, 'f', 0, 64), fmt.Sprintf("%.2f", x.Expected))
		}
		g.print(c.out)
		return nil
	}
	return cmd
}

func compareGroups(table survival.Table, horizon float64) (fitCompared, error) {
	var groups []survival.Lifetimes
	for _, g := range table.Groups {
		if horizon > 0 {
			g.Lifetimes = g.Until(horizon)
		}
		groups = append(groups, g.Lifetimes)
	}
	r, err := survival.Compare(groups)
	out := fitCompared{ChiSquared: r.ChiSquared, Freedom: r.Freedom, P: r.P, Left: table.Left}
	if err != nil {
		return out, err
	}
	for i, g := range table.Groups {
		out.Groups = append(out.Groups, fitGroup{groupName(g.Name), r.N[i], r.Observed[i], r.Expected[i]})
	}
	return out, nil
}

// A fitBeta is what --json prints of a fitted curve; see docs/cli.md. With
// --group it is a list of them.
type fitBeta struct {
	Group   string         `json:"group,omitempty"`
	Alpha   float64        `json:"alpha"`
	Beta    float64        `json:"beta"`
	LogLik  float64        `json:"loglik"`
	Alike   bool           `json:"alike"`
	Periods int            `json:"periods"`
	Curve   []fitBetaPoint `json:"curve"`
}

type fitBetaPoint struct {
	Period    int      `json:"period"`
	Survival  float64  `json:"survival"`
	Retention *float64 `json:"retention"` // nil at 0
	Survivors float64  `json:"survivors"` // Survival of those at the beginning
	Observed  *float64 `json:"observed"`  // as the file says; nil where it ends
}

func (c *cli) fitBetaCommand() *cobra.Command {
	var period, survivors, group string
	var fitted, horizon int
	cmd := &cobra.Command{
		Use:   "sbg FILE",
		Short: "Shifted-beta-geometric: project who will be left",
		Long: `Fit the shifted-beta-geometric of Fader and Hardie to a table of how many were
left at the end of each period (year,survivors; period 0 is the beginning), and
project it. FILE may be - for standard input.`,
		Example: "  cairn fit sbg survivors.csv --periods 7 --horizon 12",
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&period, "time", "", "column of periods (default: one called year, period, month …)")
	cmd.Flags().StringVar(&survivors, "survivors", "", "column of how many were left (default: one called survivors, or the other of two)")
	cmd.Flags().StringVar(&group, "group", "", "column that tells several tables apart")
	cmd.Flags().IntVar(&fitted, "periods", 0, "fit to so many periods only (default: all)")
	cmd.Flags().IntVar(&horizon, "horizon", 0, "project as far as this period (default: twice as far as was fitted)")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f, err := openInput(args[0])
		if err != nil {
			return err
		}
		defer f.Close()
		tables, err := survival.ReadSurvivors(f, period, survivors, group)
		if err != nil {
			return err
		}
		var out []fitBeta
		for _, name := range slices.Sorted(maps.Keys(tables)) {
			x, err := fitSurvivors(tables[name], fitted, horizon)
			if err != nil {
				return err
			}
			x.Group = name
			out = append(out, x)
		}
		switch {
		case *asJSON && group == "":
			return printJSON(c.out, out[0])
		case *asJSON:
			return printJSON(c.out, out)
		}
		printBetas(c.out, out)
		return nil
	}
	return cmd
}

func fitSurvivors(observed []float64, fitted, horizon int) (fitBeta, error) {
	periods := len(observed) - 1
	switch {
	case fitted < 0 || fitted > periods:
		return fitBeta{}, cairn.Errorf(cairn.Invalid, "The table has %d periods.", periods).At("periods")
	case fitted > 0:
		periods = fitted
	}
	switch {
	case horizon < 0 || horizon > 10_000:
		return fitBeta{}, cairn.Errorf(cairn.Invalid, "The horizon is 1 to 10000 periods.").At("horizon")
	case horizon == 0:
		horizon = max(2*periods, len(observed)-1)
	}
	m, err := survival.FitBeta(observed[:periods+1])
	if err != nil {
		return fitBeta{}, err
	}
	out := fitBeta{Alpha: m.Alpha, Beta: m.Beta, LogLik: m.LogLik, Alike: m.Alike, Periods: periods}
	for t, s := range m.Survival(horizon) {
		p := fitBetaPoint{Period: t, Survival: s, Survivors: s * observed[0]}
		if t > 0 {
			r := m.Retention(t)
			p.Retention = &r
		}
		if t < len(observed) {
			p.Observed = &observed[t]
		}
		out.Curve = append(out.Curve, p)
	}
	return out, nil
}

func printBetas(w io.Writer, fits []fitBeta) {
	for i, x := range fits {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if x.Group != "" {
			fmt.Fprintf(w, "%s: ", x.Group)
		}
		fmt.Fprintf(w, "alpha %.5f, beta %.5f, log-likelihood %.4f, fitted to %d periods.\n", x.Alpha, x.Beta, x.LogLik, x.Periods)
		if x.Alike {
			fmt.Fprintf(w, "No difference between customers shows: all leave with a chance of %.4f.\n", x.Alpha/(x.Alpha+x.Beta))
		}
		g := grid{head: []string{">period", ">observed", ">left", ">share", ">renews"}}
		for _, p := range x.Curve {
			g.add(strconv.Itoa(p.Period), plain(p.Observed), short(p.Survivors), fmt.Sprintf("%.4f", p.Survival), fraction(p.Retention))
		}
		g.print(w)
	}
}
