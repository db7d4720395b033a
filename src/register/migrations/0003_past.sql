-- What surgeons were and held: their dossiers show it. Only past rows, so that imports cost no more than before.
create index surgeons_past on surgeons ("surgeon_id") where to_version is not null;
create index grants_past on grants ("surgeon_id") where to_version is not null;
