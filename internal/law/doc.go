// Package law holds the rules of the house as tests. The table of packages in
// docs/architecture.md is the law on imports: the test reads it from there, so
// that what is written and what is checked cannot differ. It fails on a
// package that is not listed, on an import that is not allowed, on a listed
// package without code, on a pure package that touches the world or reads a
// clock, and on a test that skips.
package law
