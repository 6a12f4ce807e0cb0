using Microsoft.Playwright;
using MtaTls.Dashboard.Tests.Support;
using MtaTls.ReverseProxy.Agents;

namespace MtaTls.Dashboard.Tests.Pages;

/// <summary>The view of a gateway's agents, and its actions.</summary>
public sealed class AgentPageTests(Chromium chromium)
{
    [Theory]
    [InlineData(ColorScheme.Light, 1280)]
    [InlineData(ColorScheme.Dark, 390)]
    public async Task Agents_are_shown_with_what_they_serve(ColorScheme scheme, int width)
    {
        await using LiveApp gateway = await Gateway.StartAsync();
        await using WebApplication first = await gateway.AddAgentAsync("plant-a");
        await using WebApplication second = await gateway.AddAgentAsync("plant-b");
        using HttpClient http = gateway.PublicClient();
        Assert.StartsWith("plant-", await http.GetStringAsync(new Uri("/", UriKind.Relative)).Soon(), StringComparison.Ordinal);
        await using Visit visit = await chromium.OpenAsync(gateway, "agents", scheme: scheme, width: width);
        await visit.LiveAsync();
        await visit.CountAsync("tbody tr", 2);
        foreach (string text in (string[])["plant-a", "plant-b", "plant7.internal", "Serving", "gateway-1", "CN=client"])
        {
            await visit.SeesAsync("tbody", text);
        }

        await visit.AssertFitsAsync();
        await visit.AssertAccessibleAsync();
        await visit.PictureAsync($"agents-{scheme}-{width}");
        await visit.Page.Locator("#filter").FillAsync("plant-a");
        await visit.SeesAsync("caption", "1 of 2 registrations");
        await visit.Page.Locator("tbody a").ClickAsync();
        await visit.SeesAsync("h1", "Channels of a session");
        Assert.Empty(visit.Complaints);
    }

    [Fact]
    public async Task An_operator_drains_an_agent_and_ends_another()
    {
        await using LiveApp gateway = await Gateway.StartAsync();
        await using WebApplication first = await gateway.AddAgentAsync("plant-a");
        string id = gateway.Services.GetRequiredService<IMtaTlsAgents>().List()[0].Id;
        await using Visit visit = await chromium.OpenAsync(gateway, "agents");
        await visit.LiveAsync();
        // A drained agent registers again. Here there is only the same gateway.
        await visit.ConfirmAsync($"button[aria-label='Drain agent plant-a {id}']");
        await Wait.UntilAsync(() => gateway.Services.GetRequiredService<IMtaTlsAgents>().List().All(a => a.Id != id || a.IsDraining));
        await visit.CountAsync($"button[aria-label='Drain agent plant-a {id}']", 0);
        await Wait.UntilAsync(() => gateway.Services.GetRequiredService<IMtaTlsAgents>().List().Any(a => a.Id != id));
        string next = gateway.Services.GetRequiredService<IMtaTlsAgents>().List().First(a => a.Id != id).Id;
        await visit.ConfirmAsync($"button[aria-label='End agent plant-a {next}']");
        await visit.CountAsync($"button[aria-label='End agent plant-a {next}']", 0);
        Assert.Empty(visit.Complaints);
    }

    [Fact]
    public async Task Without_agents_or_without_a_gateway_the_page_says_so()
    {
        await using LiveApp gateway = await Gateway.StartAsync();
        await using Visit visit = await chromium.OpenAsync(gateway, "agents");
        await visit.SeesAsync(".empty", "No agent is registered.");
        using HttpClient http = gateway.PublicClient();
        using HttpResponseMessage response = await http.GetAsync(new Uri("/", UriKind.Relative)).Soon();
        Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, response.StatusCode);
        await Assertions.Expect(visit.Page.Locator("section", new() { HasText = "Requests answered 503" }).Locator("td.num")).ToHaveTextAsync("1", new() { Timeout = (float)Wait.Timeout.TotalMilliseconds });
        await visit.AssertAccessibleAsync();
        await visit.PictureAsync("agents-empty");

        await using LiveApp app = await LiveApp.StartAsync();
        await using Visit other = await chromium.OpenAsync(app, "agents");
        await other.SeesAsync(".empty", "It does not call AddMtaTlsAgents().");
    }
}
