-- One text for SQLite and PostgreSQL. A store replaces two marks and nothing
-- else: a column ending in "-- rowid" (SQLite: "integer primary key", so that it
-- is the row's own number) and "/* clustered */" after a table (SQLite: without rowid).
-- Times are whole microseconds since 1970 in UTC, 0 where there is none; days
-- are counted from 1970-01-01 in the workspace's zone; ids are 16 bytes. Tables
-- with long rows are not clustered: SQLite reads a whole row at each step down
-- the tree (a list of 6,000 accounts took seven times as long).

-- The log ---------------------------------------------------------------

create table counter (
    part integer not null primary key,
    n    bigint  not null
) /* clustered */;

-- key = part * 2^48 + n
create table event (
    key      bigint   not null primary key, -- rowid
    id       bytea    not null,
    stream   bytea    not null,
    kind     text     not null,
    name     text     not null,
    source   text     not null,
    product  text     not null,
    at       bigint   not null,
    seen     bigint   not null,
    stamp    bigint   not null,
    account  bytea,
    person   bytea,
    anon     bytea,
    record   bytea,
    acct_key text     not null,
    rec_key  text     not null,
    n        bigint   not null,
    skewed   integer  not null,
    props    text     not null,
    sealed   bytea
);

-- 4 bytes of the hour of the sender's timestamp, 12 of SHA-256 of source and id.
create table admitted (
    id bytea not null primary key
) /* clustered */;

-- Keys that seal what is personal. Back this table up apart. Destroying a row
-- erases all that it sealed. The row with an id of zeros is the pepper.
create table subject_key (
    subject bytea not null primary key,
    secret  bytea not null
) /* clustered */;

-- State, projected where it is admitted -----------------------------------

create table stream (
    id      bytea   not null primary key,
    account bytea,             -- whose it is now; null: unclaimed
    person  bytea,             -- for a person's or visitor's stream: who that is now
    born    bytea,             -- the account, person, visitor or record that it was made for
    kind    text    not null,  -- which of these: account, person, visitor, record; said: it was only spoken of
    aside   integer not null,  -- 1: nobody shall be asked whose it is
    source  text    not null,  -- of its first event
    first   bigint  not null   -- At of its first event
) /* clustered */;
create index stream_account on stream (account, kind);
create index stream_of_person on stream (person);

-- Every id under which a source knows an account, and those of people and
-- visitors of whom somebody said whose they are; see tie.
create table identity (
    id     bytea  not null primary key,
    what   text   not null,  -- account, person, visitor
    space  text   not null,  -- of an account's id; '' is the common one
    key    text   not null,  -- of an account, as sent
    source text   not null,  -- that was first to use it
    first  bigint not null,
    root   bytea  not null,  -- where what was said about it leads; itself when nothing was
    holder bytea             -- whose it is now: root, or null while root is an account that waits
) /* clustered */;
create index identity_root on identity (root, what);
create index identity_holder on identity (holder, what);

-- What was said about whose an id is. One row a statement; of what sources say
-- with every call, the latest one of each source.
create table tie (
    id      bytea   not null primary key,
    subject bytea,             -- null: nothing is known of it but that it was undone
    slot    text    not null,  -- into, home, aside
    target  bytea,
    hand    integer not null,
    at      bigint  not null,
    event   bytea   not null,
    undone  integer not null,
    body    text    not null   -- cairn.Tie as JSON
) /* clustered */;
create index tie_subject on tie (subject, slot);
create index tie_target on tie (target, slot);

-- By what accounts and people are recognised: what each id's own sources say.
create table handle (
    kind     text    not null,  -- domain, mail (hashed under the pepper), ext (an id, in hexadecimal)
    value    text    not null,
    subject  bytea   not null,
    what     text    not null,  -- account, person
    field    text    not null,
    source   text    not null,
    space    text    not null,  -- whose ids that source uses
    verified integer not null,  -- 1: a domain that others may be matched by
    primary key (kind, value, subject, field)
) /* clustered */;
create index handle_subject on handle (subject, field);

-- Ids of which something has changed that they may be recognised by.
create table unmatched (
    subject bytea  not null primary key,
    what    text   not null,
    mark    bigint not null
) /* clustered */;

-- Accounts that stand alone: what waits or was merged into another has none.
create table account (
    id      bytea   not null primary key,
    key     text    not null,  -- as first sent
    name    text    not null,
    domain  text    not null,
    owner   text    not null,
    status  text    not null,
    first   bigint  not null,
    parent  bytea,             -- id of the parent as its source says
    version bigint  not null   -- grows with every change that a page shows, but for those that due.version counts
) /* clustered */;
create index account_key on account (key);
create index account_owner on account (owner);
create index account_parent on account (parent);

-- Personal, in the clear: its rows go when the person is erased.
create table person (
    id        bytea   not null primary key,
    key       text    not null,
    name      text    not null,
    mail      text    not null,
    title     text    not null,
    role      text    not null,
    opted_out integer not null,
    erased    integer not null
) /* clustered */;

-- Who belongs where, under the ids as sent. said: a source said so (group, identify with groupId, a
-- person's patch with an account); otherwise seen in an event of that account.
create table member (
    account bytea   not null,
    person  bytea   not null,
    source  text    not null,
    at      bigint  not null,  -- latest word
    first   bigint  not null,  -- first word
    said    integer not null,
    primary key (account, person, source)
) /* clustered */;
create index member_person on member (person);

-- What each source said about each field, and when: the past of every record.
create table fact (
    record bytea   not null,
    field  text    not null,
    source text    not null,
    at     bigint  not null,
    event  bytea   not null,
    seen   bigint  not null,
    kind   text    not null,
    stream bytea   not null,
    value  text    not null,   -- JSON; '' clears, and stands beside a sealed value
    sealed bytea,
    primary key (record, field, source, at, event)
) /* clustered */;

-- How every record stands, accounts and people included. doc is a JSON object
-- of field -> cairn.Said for what is plain; sealed one of field -> sealed value
-- (see seal.go: each value names the subject whose key opens it). The columns beside it are copied from the fields
-- that lists are sorted and counted by.
create table record (
    id      bytea   not null primary key,
    kind    text    not null,
    key     text    not null,
    stream  bytea   not null,
    account bytea,             -- whose it is now
    named   bytea,             -- the account that its events last named
    named_at bigint not null,
    person  bytea,
    state   text    not null,  -- fields "state" or "status"
    owner   text    not null,
    due     bigint  not null,  -- task: due; contract: renews; invoice: due
    until   bigint  not null,  -- task: snoozed until
    prio    integer not null,
    closed  bigint  not null,
    first   bigint  not null,
    last    bigint  not null,
    version bigint  not null,
    doc     text    not null,
    sealed  bytea
);
create index record_account on record (account, kind, last);
create index record_stream on record (stream);
create index record_named on record (named);
create index record_task on record (kind, owner, state);
create index record_contract on record (kind, account, id, version) where kind = 'contract';

-- Search: lower-case words, by prefix. what: account or person. A word is bytes,
-- so that ranges mean the same under every collation.
create table token (
    word    bytea not null,
    what    text  not null,
    id      bytea not null,
    primary key (word, what, id)
) /* clustered */;
create index token_id on token (id);

-- Derived: one generation is current, another may be growing beside it. In
-- generation 0 is what events came to that were dropped; it is only added to.

create table generation (
    stage   text    not null primary key,
    current integer not null,
    growing integer not null, -- 0: no rebuild is under way
    counts  text    not null, -- of current: what is tallied beside names, as a JSON list of signal.Counter
    counting text   not null  -- the same of growing
) /* clustered */;

-- The processes that share the database. What one has leased is its own until
-- its time runs out, which it puts off again and again.
create table node (
    name  text    not null primary key,  -- of one start of one process
    kind  text    not null,              -- serve, work or command
    works integer not null,              -- 1: runs the stages
    since bigint  not null,
    until bigint  not null               -- by the database's clock
) /* clustered */;

create table cursor (
    stage text    not null,
    gen   integer not null,
    part  integer not null,
    n     bigint  not null,
    lease bigint  not null,   -- number of the lease that may move it
    node  text    not null,   -- that holds it, as long as the node lives; '': free
    primary key (stage, gen, part)
) /* clustered */;

-- People are numbered densely within a stream, for bitmaps. Numbers are given
-- once and outlive rebuilds.
create table stream_person (
    stream bytea   not null,
    num    integer not null,
    person bytea   not null,
    primary key (stream, num)
) /* clustered */;
create unique index stream_person_person on stream_person (stream, person);

-- name: of an event, or the key of a signal.Counter.
create table tally (
    gen     integer not null,
    stream  bytea   not null,
    product text    not null,
    day     integer not null,
    name    text    not null,
    n       bigint  not null,
    total   bigint  not null,   -- sum of the property "value", in millionths
    last    bigint  not null,   -- At of the latest event of that day
    people  bytea   not null,   -- roaring bitmap of stream_person.num
    primary key (gen, stream, day, product, name)
) /* clustered */;

-- How often each event happened, over all streams: for the list of names. Rows
-- of several slots add up; nodes that fold side by side have each their own.
create table volume (
    gen     integer not null,
    slot    integer not null,
    day     integer not null,
    product text    not null,
    name    text    not null,
    source  text    not null,
    n       bigint  not null,
    last    bigint  not null,
    primary key (gen, slot, day, product, name, source)
) /* clustered */;

-- Of every event up to where the fold's current generation has read. It depends
-- on no definition, so generations share it.
create table timeline (
    stream bytea   not null,
    at     bigint  not null,
    key    bigint  not null,    -- of event
    primary key (stream, at, key)
) /* clustered */;

-- What was dropped of the log because somebody set an end for it, by source,
-- event and the counters that looked into it then. What it came to stands in
-- generation 0, from which every rebuild begins.
create table dropped (
    source  text   not null,
    name    text   not null,
    counted text   not null,  -- keys of counters, as a JSON list
    n       bigint not null,
    bytes   bigint not null,  -- about
    first   bigint not null,  -- At of the earliest
    last    bigint not null,  -- At of the latest
    at      bigint not null,  -- when the last of them was dropped
    primary key (source, name, counted)
) /* clustered */;

-- Where the log has gaps since.
create table dropped_part (
    part integer not null primary key,
    n    bigint  not null,    -- how many events are gone
    upto bigint  not null     -- position of the last of them
) /* clustered */;

-- Accounts that something touched, or whose time has come.
create table due (
    account bytea   not null primary key,
    at      bigint  not null,   -- workspace time at which the turn is due; 0: at once
    since   bigint  not null,   -- who waits longest goes first
    mark    bigint  not null,   -- grows whenever it is marked again
    lease   bigint  not null,
    node    text    not null,   -- that takes the turn, as long as the node lives; '': free
    quiet   integer not null,   -- 1: only history arrived: measure, decide nothing
    version bigint  not null    -- grows whenever fold or turn change what a page shows; account.version is for all others
) /* clustered */;
create index due_at on due (at, since);

create table vector (
    account   bytea   not null primary key,
    at        bigint  not null,
    known     integer not null,
    level     bigint  not null,
    way       text    not null,
    slope     bigint  not null,
    mrr       bigint  not null,
    currency  text    not null,
    renews    bigint  not null,
    last_seen bigint  not null,
    base      integer not null,   -- 1: rules have a turn to compare with
    active    bigint  not null,   -- people active in 28 days; -1: not known
    body      bytea   not null,   -- cairn.Vector, packed
    signals   bytea   not null    -- cairn.Signals, packed
);
create index vector_level on vector (level);
create index vector_renews on vector (renews);

-- What custom metrics are of each account, for lists: only what is known.
create table measure (
    account bytea  not null,
    metric  text   not null,  -- its name
    value   bigint not null,  -- in millionths
    primary key (account, metric)
) /* clustered */;

create table vector_day (
    account bytea   not null,
    day     integer not null,
    known   integer not null,
    level   bigint  not null,
    way     text    not null,
    model   text    not null,
    rev     integer not null,
    primary key (account, day)
) /* clustered */;

-- How a signal was distributed over all accounts at a midnight.
create table yardstick (
    day    integer not null,
    signal text    not null,
    body   text    not null,      -- signal.Yardstick as JSON
    primary key (day, signal)
) /* clustered */;

-- The last decision of each rule about each account: fired or not, and why.
create table decision (
    account bytea   not null,
    rule    text    not null,
    rev     integer not null,
    at      bigint  not null,
    holds   integer not null,
    fire    integer not null,
    fired   bigint  not null,   -- when it last fired
    why     text    not null,
    pos     bigint  not null,
    primary key (account, rule)
) /* clustered */;

create table action (
    id      bytea   not null primary key,
    key     text    not null,
    kind    text    not null,
    account bytea   not null,
    play    text    not null,
    rev     integer not null,
    why     text    not null,
    body    text    not null,
    at      bigint  not null,
    state   text    not null,
    result  text    not null,
    done_at bigint  not null
) /* clustered */;
create index action_state on action (state);
create index action_account on action (account, at);

-- Definitions and the house ------------------------------------------------

create table book (
    page text    not null,
    rev  integer not null,
    at   bigint  not null,
    actor text   not null,      -- JSON of cairn.Actor without its address
    note text    not null,
    body text    not null,
    primary key (page, rev)
) /* clustered */;

create table login (
    id    text    not null primary key,
    mail  text    not null unique,
    name  text    not null,
    hash  text    not null,
    admin integer not null
) /* clustered */;

create table session (
    token   bytea  not null primary key,
    csrf    text   not null,
    login   text   not null,
    expires bigint not null
) /* clustered */;

-- How every source stands; its revisions are the book's page "source/NAME".
create table source (
    name text    not null primary key,
    rev  integer not null,
    body text    not null     -- ingest.Source as JSON
) /* clustered */;

create table source_key (
    hash   bytea   not null primary key,
    id     bigint  not null unique,
    source text    not null,
    used   integer not null,  -- day of its last use; 0: never
    body   text    not null   -- ingest.Key as JSON
) /* clustered */;

-- How much each key with a limit a day has sent on it.
create table key_day (
    key bigint  not null,
    day integer not null,
    n   bigint  not null,
    primary key (key, day)
) /* clustered */;

-- How often the rules of contracts were broken, and (problem "checked") how
-- many records they were held against.
create table breach (
    source  text   not null,
    hour    bigint not null,
    rule    text   not null,
    field   text   not null,
    problem text   not null,
    n       bigint not null,
    primary key (source, hour, rule, field, problem)
) /* clustered */;

-- Times in which a source was silent, or what it sent was not as usual. Signals
-- are measured as of heard where stale is 1.
create table alarm (
    id     bigint  not null primary key,
    source text    not null,
    kind   text    not null,
    rule   text    not null,
    heard  bigint  not null,
    began  bigint  not null,
    ended  bigint  not null,   -- 0: it lasts
    stale  integer not null,
    late   bigint  not null,   -- records that came later and are about that time
    filled bigint  not null,   -- when these were enough to measure by; 0: they are not
    why    text    not null
) /* clustered */;
create unique index alarm_open on alarm (source, kind, rule) where ended = 0;
create index alarm_source on alarm (source, began);

-- Which source feeds which stream with which kind of record, and since when.
create table feed (
    stream bytea  not null,
    source text   not null,
    kind   text   not null,
    first  bigint not null,    -- Seen of the first
    primary key (stream, source, kind)
) /* clustered */;
create index feed_source on feed (source);

create table arrival (
    source    text   not null,
    hour      bigint not null,
    accepted  bigint not null,
    duplicate bigint not null,
    late      bigint not null,
    rejected  bigint not null,
    last      bigint not null,
    primary key (source, hour)
) /* clustered */;

-- Numbers that only grow: of rejects, of write keys, and "page", which grows
-- with every commit beside the log that changes what a page shows.
create table serial (
    name text   not null primary key,
    n    bigint not null
) /* clustered */;

-- What was refused, sealed under the key of the person whom it names, else of
-- its source; see ingest.Reject.
create table reject (
    id      bigint  not null primary key,
    source  text    not null,
    state   text    not null,  -- open, replayed, dismissed
    seen    bigint  not null,
    idx     integer not null,
    file    integer not null,
    code    text    not null,
    field   text    not null,
    reason  bytea,             -- sealed: it may quote a value
    actor   text    not null,  -- who mended or closed it last
    closed  bigint  not null,
    outcome text    not null,  -- of a replay
    event   bytea,
    again   bytea,             -- sealed ingest.Refused as JSON: why the last replay was refused
    person  bytea,             -- whom it names; null: nobody
    sealed  bytea,             -- as sent; null: erased
    mended  bytea              -- null: nobody did
);
create index reject_source on reject (source, state, id);
create index reject_person on reject (person) where person is not null;

-- How many records were refused for which reason, for ever.
create table reject_count (
    source    text   not null,
    code      text   not null,
    field     text   not null,
    refused   bigint not null,
    replayed  bigint not null,
    dismissed bigint not null,
    evicted   bigint not null, -- had to make room for newer ones, still open
    last      bigint not null,
    primary key (source, code, field)
) /* clustered */;

-- How far bodies have come that were sent line by line under an idempotency
-- key; see ingest.BulkProgress. Kept for 30 days after the last line.
create table bulk (
    source    text    not null,
    key       text    not null,
    lines     bigint  not null,
    accepted  bigint  not null,
    late      bigint  not null,
    duplicate bigint  not null,
    rejected  bigint  not null,
    done      integer not null,
    begun     bigint  not null,
    touched   bigint  not null,
    sum       bytea,            -- state of a SHA-256 over the lines
    primary key (source, key)
) /* clustered */;

-- What the house remembers for itself, such as how far the demo has come.
create table memo (
    name text not null primary key,
    body text not null
) /* clustered */;
