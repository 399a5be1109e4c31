-- An organisation is the boundary that tenants never see across; everything a tenant owns points at one.
-- SQLite takes the types of PostgreSQL as names: it keeps uuid and bytea as blobs and timestamptz as Unix microseconds.

create table organisations (
    id          uuid primary key not null,
    name        text not null unique,
    created_at  timestamptz not null
);

create table users (
    id               uuid primary key not null,
    organisation_id  uuid not null references organisations (id),
    email            text not null,
    -- Argon2id in the PHC string format, which names its own parameters.
    password_hash    text not null,
    role             text not null,
    created_at       timestamptz not null
);

-- Somebody who types their address in capitals is not somebody else.
create unique index users_by_email on users (lower(email));
create index users_by_organisation on users (organisation_id);
