namespace MtaTls.QuicTunnel.Benchmarks;

/// <summary>Measures one TCP connection over one access network of 50 Mbit/s, and over two.</summary>
internal static class Aggregate
{
    private const long Octets = 50_000_000;
    private const int Rounds = 3;

    public static async Task RunAsync()
    {
        double[] medians = new double[2];
        Console.WriteLine($"\n| one download of {Octets / 1_000_000} MB | median Mbit/s | all |\n|---|---|---|");
        for (int paths = 1; paths <= 2; paths++)
        {
            using var network = new Network($"a{paths}");
            network.Namespaces.Shape('a', 50);
            network.Namespaces.Shape('b', 50);
            await network.StartAsync(paths);
            await network.DownloadAsync("10.99.0.1", 5_000_000);
            var rates = new List<double>();
            for (int round = 0; round < Rounds; round++)
            {
                rates.Add(await network.DownloadAsync("10.99.0.1", Octets));
            }

            medians[paths - 1] = Network.Median(rates);
            Console.WriteLine($"| {paths} x 50 Mbit/s | {medians[paths - 1]:f1} | {string.Join(", ", rates.Select(rate => $"{rate:f1}"))} |");
        }

        Console.WriteLine($"two paths : one = {medians[1] / medians[0]:f2}");
    }
}
