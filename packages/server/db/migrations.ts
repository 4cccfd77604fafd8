/**
 * How the tables came to be, step by step. Forward only: a step that was released is never edited, only followed.
 * The number of steps taken is SQLite's own `user_version`.
 */

export const migrations: readonly string[] = [
  `
  create table setting (name text primary key, value blob not null) strict;
  create table account (
    user_id text primary key,
    email text not null unique,
    login_public_key blob not null,
    kdf_n integer not null,
    kdf_r integer not null,
    kdf_p integer not null,
    kdf_salt blob not null,
    token_hash text not null unique,
    identity_public_key blob not null,
    box_public_key blob not null,
    master_keys blob not null,
    bytes_quota integer,
    bytes_used integer not null,
    created_ms integer not null
  ) strict;
  create table device (
    device_id text primary key,
    user_id text not null references account,
    name text not null,
    client_version text not null,
    token_hash text not null unique,
    created_ms integer not null,
    seen_ms integer not null,
    revoked_ms integer
  ) strict;
  create index device_by_account on device (user_id, created_ms);
  create table invitation (
    token_hash text primary key,
    bytes_quota integer,
    created_ms integer not null,
    expires_ms integer not null,
    used_ms integer
  ) strict;
  create table vault (
    vault_id text primary key,
    owner text not null references account,
    head_sequence integer not null,
    head_hash text not null,
    bytes_stored integer not null,
    created_ms integer not null
  ) strict;
  create table vault_grant (
    vault_id text not null references vault,
    user_id text not null references account,
    sealed blob not null,
    primary key (vault_id, user_id)
  ) strict, without rowid;
  create index grant_by_account on vault_grant (user_id);
  create table record (
    vault_id text not null references vault,
    sequence integer not null,
    hash text not null,
    bytes blob not null,
    received_ms integer not null,
    primary key (vault_id, sequence)
  ) strict;
  create table pack (
    vault_id text not null references vault,
    pack text not null,
    bytes integer not null,
    stored_ms integer not null,
    primary key (vault_id, pack)
  ) strict, without rowid;
  insert into setting values ('incarnation', randomblob(16));
  `,
  // Packs that no record brought yet, or that one retired, are deleted when the hold time has passed.
  `
  alter table vault add column checkpoint_sequence integer not null default 0;
  alter table pack add column is_named integer not null default 1;
  alter table pack add column retired_ms integer;
  create index pack_to_sweep on pack (stored_ms) where is_named = 0 or retired_ms is not null;
  `,
]
