package mongodb

// DatabaseIn is databaseIn, for tests from outside.
var DatabaseIn = databaseIn
