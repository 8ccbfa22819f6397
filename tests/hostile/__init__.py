"""The hostile-mail corpus: mails as data, one module for each kind of attack, and what runs them."""
