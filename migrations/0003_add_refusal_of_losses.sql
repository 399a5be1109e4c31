-- Whether a provider's dialect must express all of a request is for each key's owner to say, as the file's keys can.

alter table api_keys add column refuse_lossy boolean not null default false;
