"""What is watched: mailboxes and folders. Each implements `watcher.ports.Source`, and knows no other."""
