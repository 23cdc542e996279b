// A check that does not hold ends the call at every level, and names its values.
// RUN: not irc-opt %s --exec f --arg y=3xi32=4,12,7 2>&1 | filecheck %s
// RUN: not irc-opt %s -p convert-nd-to-linalg --exec f --arg y=3xi32=4,12,7 2>&1 | filecheck %s
// RUN: not irc-opt %s -p convert-nd-to-linalg,bufferize,convert-linalg-to-loops --exec f --arg y=3xi32=4,12,7 2>&1 | filecheck %s

// CHECK: index y[1] = 12 is too large
func.func @f(%y: tensor<?xi32, #nd.dims<"n">>) -> tensor<?xi1, #nd.dims<"n">> {
  %ten = nd.full 10 : i32 : tensor<?xi32, #nd.dims<"n">>
  %ok = nd.lt %y, %ten : tensor<?xi32, #nd.dims<"n">>
  nd.assert "bounds" %ok, "index y[{@0}] = {0} is too large"(%y) : tensor<?xi1, #nd.dims<"n">>, tensor<?xi32, #nd.dims<"n">>
  func.return %ok : tensor<?xi1, #nd.dims<"n">>
}
