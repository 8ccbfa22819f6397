"""invoice-watcher: forwards the invoices of a company to where they are booked."""
