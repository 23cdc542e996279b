// A static 0 and a product with a 0 in it are one size, though one of them has a symbolic factor.
func.func @f(%x: tensor<0xf32>, %y: tensor<?x0xf32, #nd.dims<"n">>) -> (tensor<?x0xf32, #nd.dims<"n">>, tensor<0x3xf32>, tensor<0xf32>) {
  %0 = nd.reshape %x : tensor<0xf32> to tensor<?x0xf32, #nd.dims<"n">>
  %1 = nd.reshape %y : tensor<?x0xf32, #nd.dims<"n">> to tensor<0x3xf32>
  %2 = nd.reshape %y : tensor<?x0xf32, #nd.dims<"n">> to tensor<0xf32>
  func.return %0, %1, %2 : tensor<?x0xf32, #nd.dims<"n">>, tensor<0x3xf32>, tensor<0xf32>
}
