package sqlite

import (
	"testing"

	"cairn/internal/store/storetest"
)

func BenchmarkAppend(b *testing.B) { storetest.BenchAppend(b, openNew) }

func BenchmarkFold(b *testing.B) { storetest.BenchFold(b, openNew) }
