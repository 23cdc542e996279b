// `-Wextra` knows that no unsigned number is below 0.
func.func @f(%x: tensor<0x2xf32>, %v: tensor<?x2xf32, #nd.dims<"n">>, %i: tensor<?xi32, #nd.dims<"n">>) -> tensor<0x2xf32> {
  %y = nd.scatter "add" %v into %x[%i] axes = [0] : tensor<?x2xf32, #nd.dims<"n">>, tensor<?xi32, #nd.dims<"n">> into tensor<0x2xf32>
  func.return %y : tensor<0x2xf32>
}
