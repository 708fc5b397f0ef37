CREATE TABLE account (
    id      bytea   not null primary key,
    key     text    not null,  -- as first sent
    name    text    not null,
    domain  text    not null,
    owner   text    not null,
    status  text    not null,
    first   bigint  not null,
    parent  bytea,             -- id of the parent as its source says
    version bigint  not null   -- grows with every change that a page shows, but for those that due.version counts
) without rowid;

CREATE INDEX account_key on account (key);

CREATE INDEX account_owner on account (owner);

CREATE INDEX account_parent on account (parent);

CREATE TABLE action (
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
) without rowid;

CREATE INDEX action_account on action (account, at);

CREATE INDEX action_state on action (state);

CREATE TABLE admitted (
    id bytea not null primary key
) without rowid;

CREATE TABLE alarm (
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
) without rowid;

CREATE UNIQUE INDEX alarm_open on alarm (source, kind, rule) where ended = 0;

CREATE INDEX alarm_source on alarm (source, began);

CREATE TABLE arrival (
    source    text   not null,
    hour      bigint not null,
    accepted  bigint not null,
    duplicate bigint not null,
    late      bigint not null,
    rejected  bigint not null,
    last      bigint not null,
    primary key (source, hour)
) without rowid;

CREATE TABLE book (
    page text    not null,
    rev  integer not null,
    at   bigint  not null,
    actor text   not null,      -- JSON of cairn.Actor without its address
    note text    not null,
    body text    not null,
    primary key (page, rev)
) without rowid;

CREATE TABLE breach (
    source  text   not null,
    hour    bigint not null,
    rule    text   not null,
    field   text   not null,
    problem text   not null,
    n       bigint not null,
    primary key (source, hour, rule, field, problem)
) without rowid;

CREATE TABLE bulk (
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
) without rowid;

CREATE TABLE counter (
    part integer not null primary key,
    n    bigint  not null
) without rowid;

CREATE TABLE cursor (
    stage text    not null,
    gen   integer not null,
    part  integer not null,
    n     bigint  not null,
    lease bigint  not null,   -- number of the lease that may move it
    node  text    not null,   -- that holds it, as long as the node lives; '': free
    primary key (stage, gen, part)
) without rowid;

CREATE TABLE decision (
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
) without rowid;

CREATE TABLE dropped (
    source  text   not null,
    name    text   not null,
    counted text   not null,  -- keys of counters, as a JSON list
    n       bigint not null,
    bytes   bigint not null,  -- about
    first   bigint not null,  -- At of the earliest
    last    bigint not null,  -- At of the latest
    at      bigint not null,  -- when the last of them was dropped
    primary key (source, name, counted)
) without rowid;

CREATE TABLE dropped_part (
    part integer not null primary key,
    n    bigint  not null,    -- how many events are gone
    upto bigint  not null     -- position of the last of them
) without rowid;

CREATE TABLE due (
    account bytea   not null primary key,
    at      bigint  not null,   -- workspace time at which the turn is due; 0: at once
    since   bigint  not null,   -- who waits longest goes first
    mark    bigint  not null,   -- grows whenever it is marked again
    lease   bigint  not null,
    node    text    not null,   -- that takes the turn, as long as the node lives; '': free
    quiet   integer not null,   -- 1: only history arrived: measure, decide nothing
    version bigint  not null    -- grows whenever fold or turn change what a page shows; account.version is for all others
) without rowid;

CREATE INDEX due_at on due (at, since);

CREATE TABLE event (
    key      integer primary key,
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

CREATE TABLE fact (
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
) without rowid;

CREATE TABLE feed (
    stream bytea  not null,
    source text   not null,
    kind   text   not null,
    first  bigint not null,    -- Seen of the first
    primary key (stream, source, kind)
) without rowid;

CREATE INDEX feed_source on feed (source);

CREATE TABLE generation (
    stage   text    not null primary key,
    current integer not null,
    growing integer not null, -- 0: no rebuild is under way
    counts  text    not null, -- of current: what is tallied beside names, as a JSON list of signal.Counter
    counting text   not null  -- the same of growing
) without rowid;

CREATE TABLE handle (
    kind     text    not null,  -- domain, mail (hashed under the pepper), ext (an id, in hexadecimal)
    value    text    not null,
    subject  bytea   not null,
    what     text    not null,  -- account, person
    field    text    not null,
    source   text    not null,
    space    text    not null,  -- whose ids that source uses
    verified integer not null,  -- 1: a domain that others may be matched by
    primary key (kind, value, subject, field)
) without rowid;

CREATE INDEX handle_subject on handle (subject, field);

CREATE TABLE identity (
    id     bytea  not null primary key,
    what   text   not null,  -- account, person, visitor
    space  text   not null,  -- of an account's id; '' is the common one
    key    text   not null,  -- of an account, as sent
    source text   not null,  -- that was first to use it
    first  bigint not null,
    root   bytea  not null,  -- where what was said about it leads; itself when nothing was
    holder bytea             -- whose it is now: root, or null while root is an account that waits
) without rowid;

CREATE INDEX identity_holder on identity (holder, what);

CREATE INDEX identity_root on identity (root, what);

CREATE TABLE key_day (
    key bigint  not null,
    day integer not null,
    n   bigint  not null,
    primary key (key, day)
) without rowid;

CREATE TABLE login (
    id    text    not null primary key,
    mail  text    not null unique,
    name  text    not null,
    hash  text    not null,
    admin integer not null
) without rowid;

CREATE TABLE measure (
    account bytea  not null,
    metric  text   not null,  -- its name
    value   bigint not null,  -- in millionths
    primary key (account, metric)
) without rowid;

CREATE TABLE member (
    account bytea   not null,
    person  bytea   not null,
    source  text    not null,
    at      bigint  not null,  -- latest word
    first   bigint  not null,  -- first word
    said    integer not null,
    primary key (account, person, source)
) without rowid;

CREATE INDEX member_person on member (person);

CREATE TABLE memo (
    name text not null primary key,
    body text not null
) without rowid;

CREATE TABLE migration (version integer not null primary key);

CREATE TABLE node (
    name  text    not null primary key,  -- of one start of one process
    kind  text    not null,              -- serve, work or command
    works integer not null,              -- 1: runs the stages
    since bigint  not null,
    until bigint  not null               -- by the database's clock
) without rowid;

CREATE TABLE person (
    id        bytea   not null primary key,
    key       text    not null,
    name      text    not null,
    mail      text    not null,
    title     text    not null,
    role      text    not null,
    opted_out integer not null,
    erased    integer not null
) without rowid;

CREATE TABLE record (
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

CREATE INDEX record_account on record (account, kind, last);

CREATE INDEX record_contract on record (kind, account, id, version) where kind = 'contract';

CREATE INDEX record_invoice on record (kind, account, id, version) where kind = 'invoice';

CREATE INDEX record_loss on record (kind, account, id, version) where kind = 'loss';

CREATE INDEX record_named on record (named);

CREATE INDEX record_opportunity on record (kind, account, id, version) where kind = 'opportunity';

CREATE INDEX record_profile on record (kind, id, version) where kind = 'account';

CREATE INDEX record_renewal on record (kind, account, id, version) where kind = 'renewal';

CREATE INDEX record_stream on record (stream);

CREATE INDEX record_task on record (kind, owner, state);

CREATE TABLE record_change (
    kind  text    not null,
    shard integer not null,  -- of the account, or of the id of an account's or a person's record
    n     bigint  not null,
    primary key (kind, shard)
) without rowid;

CREATE TABLE reject (
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

CREATE INDEX reject_person on reject (person) where person is not null;

CREATE INDEX reject_source on reject (source, state, id);

CREATE TABLE reject_count (
    source    text   not null,
    code      text   not null,
    field     text   not null,
    refused   bigint not null,
    replayed  bigint not null,
    dismissed bigint not null,
    evicted   bigint not null, -- had to make room for newer ones, still open
    last      bigint not null,
    primary key (source, code, field)
) without rowid;

CREATE TABLE scored (
    account bytea   not null,
    day     integer not null,
    model   integer not null,  -- scorer.n
    level   bigint  not null,  -- thousandths of a point; -1: not known
    shape   integer not null,  -- way + 4 * band: 0 unknown, 1 falling, 2 steady, 3 rising; the lowest band is 0
    rev     integer not null,  -- of the model
    pos     bigint  not null,  -- events folded by then, of all partitions
    primary key (account, day)
) without rowid;

CREATE TABLE scorer (
    n    integer not null primary key,
    name text    not null unique     -- of a model
) without rowid;

CREATE TABLE serial (
    name text   not null primary key,
    n    bigint not null
) without rowid;

CREATE TABLE session (
    token   bytea  not null primary key,
    csrf    text   not null,
    login   text   not null,
    expires bigint not null
) without rowid;

CREATE TABLE source (
    name text    not null primary key,
    rev  integer not null,
    body text    not null     -- ingest.Source as JSON
) without rowid;

CREATE TABLE source_key (
    hash   bytea   not null primary key,
    id     bigint  not null unique,
    source text    not null,
    used   integer not null,  -- day of its last use; 0: never
    body   text    not null   -- ingest.Key as JSON
) without rowid;

CREATE TABLE stream (
    id      bytea   not null primary key,
    account bytea,             -- whose it is now; null: unclaimed
    person  bytea,             -- for a person's or visitor's stream: who that is now
    born    bytea,             -- the account, person, visitor or record that it was made for
    kind    text    not null,  -- which of these: account, person, visitor, record; said: it was only spoken of
    aside   integer not null,  -- 1: nobody shall be asked whose it is
    source  text    not null,  -- of its first event
    first   bigint  not null   -- At of its first event
) without rowid;

CREATE INDEX stream_account on stream (account, kind);

CREATE INDEX stream_of_person on stream (person);

CREATE TABLE stream_person (
    stream bytea   not null,
    num    integer not null,
    person bytea   not null,
    primary key (stream, num)
) without rowid;

CREATE UNIQUE INDEX stream_person_person on stream_person (stream, person);

CREATE TABLE subject_key (
    subject bytea not null primary key,
    secret  bytea not null
) without rowid;

CREATE TABLE tally (
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
) without rowid;

CREATE TABLE tie (
    id      bytea   not null primary key,
    subject bytea,             -- null: nothing is known of it but that it was undone
    slot    text    not null,  -- into, home, aside
    target  bytea,
    hand    integer not null,
    at      bigint  not null,
    event   bytea   not null,
    undone  integer not null,
    body    text    not null   -- cairn.Tie as JSON
) without rowid;

CREATE INDEX tie_subject on tie (subject, slot);

CREATE INDEX tie_target on tie (target, slot);

CREATE TABLE timeline (
    stream bytea   not null,
    at     bigint  not null,
    key    bigint  not null,    -- of event
    primary key (stream, at, key)
) without rowid;

CREATE TABLE token (
    word    bytea not null,
    what    text  not null,
    id      bytea not null,
    primary key (word, what, id)
) without rowid;

CREATE INDEX token_id on token (id);

CREATE TABLE unmatched (
    subject bytea  not null primary key,
    what    text   not null,
    mark    bigint not null
) without rowid;

CREATE TABLE vector (
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

CREATE INDEX vector_level on vector (level);

CREATE INDEX vector_renews on vector (renews);

CREATE INDEX vector_risk on vector (account, level, way) where known = 1 and (level < 40000 or way = 'falling');

CREATE TABLE volume (
    gen     integer not null,
    slot    integer not null,
    day     integer not null,
    product text    not null,
    name    text    not null,
    source  text    not null,
    n       bigint  not null,
    last    bigint  not null,
    primary key (gen, slot, day, product, name, source)
) without rowid;

CREATE TABLE yardstick (
    day    integer not null,
    signal text    not null,
    body   text    not null,      -- signal.Yardstick as JSON
    primary key (day, signal)
) without rowid;

