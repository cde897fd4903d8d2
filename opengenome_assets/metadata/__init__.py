"""What is known of records: the organelle, the organism, the genetic code, the group; and where it is found out."""
