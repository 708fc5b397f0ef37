// Package ingest is the front door. Nothing enters the log but through
// [Door.Admit]: calls of the Segment HTTP API, rows of files, what people
// write down in the web, and what Cairn's own plays and tasks have to say.
//
// A sender's words become a [Record] first, by [ReadSegment] or by a mapping.
// What cannot be read becomes a record with a Problem, so that one bad item
// never costs its neighbours their place. The door then
//
//   - checks the record: kind, keys, sizes, and the fields of the vocabulary,
//     which it keeps in the form that later stages read;
//   - settles its time: a clock that runs ahead is set to now and marked, a
//     time to come in a file is refused;
//   - makes ids of its keys and chooses its stream, which depends on the keys
//     as sent and on nothing that came before, except where a record names no
//     key and belongs to what it patches;
//   - divides its properties into what everybody may read and what is sealed
//     under the person's key: by what the source declares, then by the
//     vocabulary, then by what name and value look like. A text that somebody
//     may have typed is sealed.
//
// What was accepted is on disk when Admit returns; a verdict tells what became
// of each record. The door's reasons repeat nothing that was sent but the id of
// a record, since they are kept in the clear; the body of what was refused is
// kept sealed.
//
// What never changes: an event's id is a hash of its source and the producer's
// own id (or of its content), accounts and records are hashes of their space
// and key, and people are hashes under the workspace's secret. Two nodes that
// meet a customer first agree, and a retry changes nothing.
package ingest
