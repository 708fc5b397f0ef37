-- Vectors as they were scored: one row of an account for each day on which its
-- level, way, band or model changed, which nothing touches once that day is
-- over. Small, for there are many: models are numbered, way and band are one
-- number.
create table scorer (
    n    integer not null primary key,
    name text    not null unique     -- of a model
) /* clustered */;

create table scored (
    account bytea   not null,
    day     integer not null,
    model   integer not null,  -- scorer.n
    level   bigint  not null,  -- thousandths of a point; -1: not known
    shape   integer not null,  -- way + 4 * band: 0 unknown, 1 falling, 2 steady, 3 rising; the lowest band is 0
    rev     integer not null,  -- of the model
    pos     bigint  not null,  -- events folded by then, of all partitions
    primary key (account, day)
) /* clustered */;

insert into scorer (n, name) select row_number() over (order by model), model from (select distinct model from vector_day) as had;
insert into scored (account, day, model, level, shape, rev, pos)
    select d.account, d.day, m.n, case d.known when 1 then d.level else -1 end,
        case d.way when 'falling' then 1 when 'steady' then 2 when 'rising' then 3 else 0 end
            + 4 * case when d.known = 0 or d.level < 40000 then 0 when d.level < 70000 then 1 else 2 end,
        d.rev, 0
    from vector_day d join scorer m on m.name = d.model;
drop table vector_day;
