-- Gates that share the index read each other's documents in the order in which they were written.
create index documents_arrival on documents (node, arrival);

-- And where FHIR servers keep orders, as each gate has learnt it.
create table addresses (
    address text primary key not null,
    node text not null,
    arrival bigint not null,
    order_no text not null
);
create index addresses_arrival on addresses (node, arrival);
