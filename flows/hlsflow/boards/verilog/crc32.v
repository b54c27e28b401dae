// The CRC-32 of IEEE 802.3 (that of zlib), a bit a cycle: eight cycles a byte, in which no other one may come.
module crc32 (
    input  wire        clk,
    input  wire        start,     // begins anew
    input  wire [7:0]  data,
    input  wire        valid,
    output wire [31:0] sum,       // of the bytes since, once not busy
    output wire        busy,
    output wire        whole      // the bytes since end with their own sum, lowest byte first
);
    localparam [31:0] POLYNOMIAL = 32'hEDB88320, RESIDUE = 32'hDEBB20E3;

    reg [31:0] state;
    reg [7:0] byte_left;
    reg [3:0] bits_left;
    assign busy = (bits_left != 4'd0);
    assign sum = ~state;
    assign whole = (state == RESIDUE);

    always @(posedge clk) begin
        if (start) begin
            state <= 32'hFFFFFFFF;
            bits_left <= 4'd0;
        end else if (valid) begin
            byte_left <= data;
            bits_left <= 4'd8;
        end else if (busy) begin
            state <= (state >> 1) ^ ((state[0] ^ byte_left[0]) ? POLYNOMIAL : 32'd0);
            byte_left <= byte_left >> 1;
            bits_left <= bits_left - 1'b1;
        end
    end
endmodule
