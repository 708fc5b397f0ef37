-- What is asked about all accounts at once: whether what is said of any changed,
-- and which of them are at risk.
create index record_profile on record (kind, id, version) where kind = 'account';
create index vector_risk on vector (account, level, way) where known = 1 and (level < 40000 or way = 'falling');
