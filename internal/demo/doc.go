// Package demo is a company that never was: Quillmere, which sells shift
// planning to other companies, with its customers, their people, and what they
// do all day. Everything it says enters Cairn by the front door.
//
// Each customer has a hidden cause: why it will be lost, or why it will grow.
// The data show the consequences, weeks before the loss or the expansion, and
// never the cause itself; [Company.Truth] tells it to tests.
//
// Nothing here is random. Every draw comes from a stream of its own, made of
// the seed, the customer and what is drawn, so that a day can be told without
// telling the days before it, and a change to tickets does not change invoices.
// What is told of a day depends on the seed, the size, the end, and on which
// customers Quillmere's people have rescued before that day.
package demo
