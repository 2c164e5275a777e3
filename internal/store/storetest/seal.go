package storetest

func sealTests() []test   { return nil }
func backupTests() []test { return nil }
