using System.Security.Cryptography;

namespace QuicTunnelSample;

/// <summary>Data of any length that both sides can generate, so that a download can be checked.</summary>
public static class SampleData
{
    private static readonly byte[] s_block = CreateBlock();

    public static async Task WriteAsync(long count, HttpResponse response)
    {
        response.ContentType = "application/octet-stream";
        response.ContentLength = count;
        while (count > 0)
        {
            int length = (int)Math.Min(count, s_block.Length);
            await response.Body.WriteAsync(s_block.AsMemory(0, length), response.HttpContext.RequestAborted);
            count -= length;
        }
    }

    public static async Task<string> DrainAsync(Stream body)
    {
        byte[] buffer = new byte[65536];
        long total = 0;
        for (int read; (read = await body.ReadAsync(buffer)) > 0;)
        {
            total += read;
        }

        return $"{total}\n";
    }

    public static string Hash(long count)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (; count > 0; count -= s_block.Length)
        {
            hash.AppendData(s_block.AsSpan(0, (int)Math.Min(count, s_block.Length)));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static byte[] CreateBlock()
    {
        byte[] block = new byte[1_000_003];
        new Random(20).NextBytes(block);
        return block;
    }
}
