-- Records that are read over all accounts, each kind by an index of its own: a
-- record of another kind costs nothing of it.
create index record_invoice on record (kind, account, id, version) where kind = 'invoice';
create index record_renewal on record (kind, account, id, version) where kind = 'renewal';
create index record_loss on record (kind, account, id, version) where kind = 'loss';
create index record_opportunity on record (kind, account, id, version) where kind = 'opportunity';
