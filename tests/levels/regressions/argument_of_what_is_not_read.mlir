// Only what is read is written in C, so an argument may have a reader in the IR and none in C.
func.func @f(%x: tensor<?x3xf32, #nd.dims<"n">>) -> tensor<2x3xf32> {
  %n = nd.iota axis = 0 : tensor<?x3xi32, #nd.dims<"n + 1">>
  %y = nd.full 1.0 : f32 : tensor<2x3xf32>
  func.return %y : tensor<2x3xf32>
}
