"""What several test files need: photos, judges, model servers, runs of tagroll."""
