-- How often records of a kind changed that belong to the accounts of a shard:
-- pages ask it before they read anything, instead of going through an index.
create table record_change (
    kind  text    not null,
    shard integer not null,  -- of the account, or of the id of an account's or a person's record
    n     bigint  not null,
    primary key (kind, shard)
) /* clustered */;
