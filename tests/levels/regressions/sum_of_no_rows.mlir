// The partials of a reduction along columns are as many as there are rows, and one at least.
func.func @f(%x: tensor<?x2xf32, #nd.dims<"n">>) -> (tensor<2xf32>, tensor<2xf32>) {
  %p = nd.prod %x axes = [0] : tensor<?x2xf32, #nd.dims<"n">> to tensor<2xf32>
  %s = nd.sum %x axes = [0] : tensor<?x2xf32, #nd.dims<"n">> to tensor<2xf32>
  func.return %p, %s : tensor<2xf32>, tensor<2xf32>
}
