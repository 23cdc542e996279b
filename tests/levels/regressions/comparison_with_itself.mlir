// `-Wall` knows what comparing a number with itself gives.
func.func @f(%x: tensor<?xi32, #nd.dims<"n">>, %y: tensor<?xf32, #nd.dims<"n">>) -> (tensor<?xi1, #nd.dims<"n">>, tensor<?xi1, #nd.dims<"n">>, tensor<?xi1, #nd.dims<"n">>) {
  %0 = nd.gt %x, %x : tensor<?xi32, #nd.dims<"n">>
  %1 = nd.le %x, %x : tensor<?xi32, #nd.dims<"n">>
  %2 = nd.ne %y, %y : tensor<?xf32, #nd.dims<"n">>
  func.return %0, %1, %2 : tensor<?xi1, #nd.dims<"n">>, tensor<?xi1, #nd.dims<"n">>, tensor<?xi1, #nd.dims<"n">>
}
