// A queue of 2**DEPTH_BITS words; the oldest one is at its output. The writer knows that there is room.
module fifo #(
    parameter WIDTH = 8,
    parameter DEPTH_BITS = 4
) (
    input  wire             clk,
    input  wire             rst,
    input  wire [WIDTH-1:0] in_data,
    input  wire             in_valid,
    output wire [WIDTH-1:0] out_data,
    output wire             out_valid,
    input  wire             out_ready
);
    reg [WIDTH-1:0] words [0:(1<<DEPTH_BITS)-1];
    reg [DEPTH_BITS-1:0] head;
    reg [DEPTH_BITS-1:0] tail;
    reg [DEPTH_BITS:0] count;
    wire take = out_valid && out_ready;
    assign out_valid = (count != 0);
    assign out_data = words[head];

    always @(posedge clk) begin
        if (in_valid) words[tail] <= in_data;
        if (rst) begin
            head <= 0;
            tail <= 0;
            count <= 0;
        end else begin
            if (in_valid) tail <= tail + 1'b1;
            if (take) head <= head + 1'b1;
            if (in_valid && !take) count <= count + 1'b1;
            else if (take && !in_valid) count <= count - 1'b1;
        end
    end
endmodule
