"""What the everyday commands compute: one study a module, records with a text, a JSON form and charts."""
