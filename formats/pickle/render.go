package pickle

import "trustfs/opcodes"

// render shows a value for people in at most limit bytes.
func render(m *opcodes.Machine, v opcodes.Value, limit int) string {
	if v.Kind() == opcodes.KindInvalid {
		return "nothing"
	}
	return m.Render(v, limit)
}

// renderArgs shows the arguments of a call in parentheses.
func renderArgs(m *opcodes.Machine, args opcodes.Value, limit int) string {
	if args.Kind() == opcodes.KindTuple {
		return m.Render(args, limit)
	}
	return "(*" + render(m, args, limit) + ")"
}
