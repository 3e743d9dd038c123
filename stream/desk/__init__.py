"""The desk: the people's side of lapse. It alone imports faust."""
