// Makes one word of BEATS beats, the first in its lowest bits.
module collect #(
    parameter WIDTH = 8,
    parameter BEATS = 2
) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire [WIDTH-1:0]       in_data,
    input  wire                   in_valid,
    output wire                   in_ready,
    output wire [BEATS*WIDTH-1:0] out_data,
    output wire                   out_valid,
    input  wire                   out_ready
);
    localparam COUNT_BITS = $clog2(BEATS + 1);
    reg [BEATS*WIDTH-1:0] word;
    reg [COUNT_BITS-1:0] count;
    assign out_data = word;
    assign out_valid = (count == BEATS);
    assign in_ready = !out_valid || out_ready;

    always @(posedge clk) begin
        if (in_valid && in_ready) word <= {in_data, word[BEATS*WIDTH-1:WIDTH]};
        if (rst) count <= 0;
        else if (out_valid && out_ready) count <= in_valid ? 1 : 0;
        else if (in_valid && in_ready) count <= count + 1'b1;
    end
endmodule
