-- Keys are found by their digest alone: who reads this table cannot use a single one of them.

create table api_keys (
    id               uuid primary key not null,
    organisation_id  uuid not null references organisations (id),
    name             text not null,
    -- SHA-256 of the key.
    digest           bytea not null unique check (length(digest) = 32),
    -- What follows `tg-` in the key, as far as it helps its owner to recognise it and nobody to guess it.
    prefix           text not null,
    -- A list of model patterns.
    models           jsonb not null,
    created_at       timestamptz not null,
    expires_at       timestamptz,
    revoked_at       timestamptz
);

create index api_keys_by_organisation on api_keys (organisation_id, created_at);

-- What proxies know grows old when a row here grows: one cheap read says whether anything has to be published. Whoever
-- changes a key adds one in the same transaction; the row's lock puts such changes in an order that readers see.
create table changes (
    name    text primary key not null,
    number  bigint not null
);

insert into changes (name, number) values ('keys', 0);
