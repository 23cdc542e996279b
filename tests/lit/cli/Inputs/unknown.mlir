"nope.op"() : () -> ()
