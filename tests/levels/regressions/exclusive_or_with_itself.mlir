// On bools it is spelled `!=`, and clang knows what that gives.
func.func @f(%x: tensor<?xi1, #nd.dims<"n">>) -> tensor<?xi1, #nd.dims<"n">> {
  %0 = nd.xor %x, %x : tensor<?xi1, #nd.dims<"n">>
  func.return %0 : tensor<?xi1, #nd.dims<"n">>
}
