// Two products may meet in one elementwise op: it runs on the tiles of the later one only.
func.func @f(%x: tensor<?x4xf64, #nd.dims<"n">>, %y: tensor<?x4xf64, #nd.dims<"n">>, %w: tensor<4x5xf64>)
    -> tensor<?x5xf64, #nd.dims<"n">> {
  %a = nd.dot %x, %w batch [], [] contract [1], [0] : tensor<?x4xf64, #nd.dims<"n">>, tensor<4x5xf64> to tensor<?x5xf64, #nd.dims<"n">>
  %b = nd.dot %y, %w batch [], [] contract [1], [0] : tensor<?x4xf64, #nd.dims<"n">>, tensor<4x5xf64> to tensor<?x5xf64, #nd.dims<"n">>
  %c = nd.add %a, %b : tensor<?x5xf64, #nd.dims<"n">>
  func.return %c : tensor<?x5xf64, #nd.dims<"n">>
}
