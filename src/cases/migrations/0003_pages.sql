-- Scans are read page by page: each begins in the index where the one before has ended.
drop index documents_day;
create index documents_day on documents (day, entry, nth);
create index documents_untimed on documents (at, entry, nth) where timed = 0;
drop index documents_reports;
create index documents_reports on documents (at, entry, nth) where reports > 0;
