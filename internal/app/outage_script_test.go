//go:build outage

package app

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"cairn/internal/config"
)

// scripts/outage-test takes away what only an administrator can: the disk's
// last byte, the right to write it, the whole PostgreSQL. It names the data
// directory or the database, and commands that begin and end the outage.
func TestAnOutageLosesNothing(t *testing.T) {
	begin, end := os.Getenv("CAIRN_TEST_OUTAGE_BEGIN"), os.Getenv("CAIRN_TEST_OUTAGE_END")
	cfg := config.Config{Data: os.Getenv("CAIRN_TEST_OUTAGE_DATA"), Database: os.Getenv("CAIRN_TEST_OUTAGE_DATABASE")}
	if begin == "" {
		t.Fatal("this test is of scripts/outage-test")
	}
	kinds := []string{"serve"}
	if !cfg.Embedded() {
		kinds = append(kinds, "work")
	}
	sh := func(command string) func() {
		return func() {
			if out, err := exec.Command("bash", "-c", command).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", command, err, out)
			}
		}
	}
	o := outage{os.Getenv("CAIRN_TEST_OUTAGE"), sh(begin), sh(end), os.Getenv("CAIRN_TEST_OUTAGE_READS") != "", os.Getenv("CAIRN_TEST_OUTAGE_HANDS") != ""}
	s := newStorm(t, cfg, kinds...)
	s.blow(func() {
		for range 3 {
			s.suffer(o, 4*time.Second)
		}
	})
}
