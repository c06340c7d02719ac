package main

// mountRows measures a mount beside a server that checks nothing and beside the plain directory.
func mountRows(r *run) error {
	s, err := newStage(r.work, r.bin, r.size)
	if err != nil {
		return err
	}
	defer s.close()
	for _, measure := range []func(*stage, int) ([]row, error){cachedOpen, askedOpen, warmRead, warmMap, firstOpen, manyFiles, memory} {
		rows, err := measure(s, r.rounds)
		if err != nil {
			return err
		}
		r.add(rows...)
	}
	return nil
}

// beside puts the plain directory and the server without checks in words.
func beside(plain, bare string) string {
	return "directory " + plain + ", server without checks " + bare
}
