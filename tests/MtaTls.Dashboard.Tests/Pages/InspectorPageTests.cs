using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using MtaTls.Dashboard.Tests.Security;
using MtaTls.Dashboard.Tests.Support;

namespace MtaTls.Dashboard.Tests.Pages;

/// <summary>The inspector, with requests through a gateway to its agents.</summary>
public sealed class InspectorPageTests(Chromium chromium)
{
    private static readonly Action<MtaTlsDashboardOptions> s_on = static o => o.Inspector.Enabled = true;

    [Fact]
    public async Task Requests_to_agents_are_shown_and_sent_again()
    {
        await using LiveApp gateway = await Gateway.StartAsync(s_on);
        int posts = 0;
        await using WebApplication agent = await gateway.AddAgentAsync("plant-a", a => a.MapPost("/orders", async (HttpContext context) =>
        {
            Interlocked.Increment(ref posts);
            using StreamReader reader = new(context.Request.Body);
            context.Response.Headers.SetCookie = "secret=1";
            await context.Response.WriteAsync($"got {await reader.ReadToEndAsync()}, X-Kept {context.Request.Headers["X-Kept"]}, Authorization '{context.Request.Headers.Authorization}' <b>bold</b>");
        }));
        using HttpClient http = gateway.PublicClient();
        using HttpRequestMessage request = new(HttpMethod.Post, new Uri("/orders?<script>", UriKind.Relative)) { Content = new StringContent("order 42") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "token-of-a-user");
        request.Headers.Add("X-Kept", "kept");
        using HttpResponseMessage response = await http.SendAsync(request).Soon();
        Assert.Contains("'Bearer token-of-a-user'", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        await using Visit visit = await chromium.OpenAsync(gateway, "requests");
        await visit.CountAsync("tbody tr", 1);
        await visit.SeesAsync("tbody", "/orders");
        await visit.AssertFitsAsync();
        await visit.AssertAccessibleAsync();
        await visit.PictureAsync("requests");
        await visit.Page.Locator("tbody a").First.ClickAsync();
        await visit.SeesAsync("#view", "order 42");
        await visit.SeesAsync("#view", "<b>bold</b>");
        await visit.CountAsync("#view b", 0);
        string shown = await visit.Page.Locator("#view").InnerTextAsync();
        Assert.DoesNotContain("secret=1", shown, StringComparison.Ordinal);
        Assert.Contains("(blanked)", shown, StringComparison.Ordinal);
        await visit.AssertAccessibleAsync();
        await visit.PictureAsync("request");

        await visit.ConfirmAsync("button:text-is('Send again')");
        await visit.SeesAsync("#view dl", "Repeats");
        // Blanked headers are not sent, everything else is.
        await visit.SeesAsync("#view", "X-Kept kept, Authorization ''");
        Assert.Equal(2, Volatile.Read(ref posts));
        Assert.Empty(visit.Complaints);
    }

    [Fact]
    public async Task It_is_off_by_default_and_says_how_to_turn_it_on()
    {
        await using LiveApp gateway = await Gateway.StartAsync();
        await using WebApplication agent = await gateway.AddAgentAsync("plant-a");
        using HttpClient http = gateway.PublicClient();
        await http.GetStringAsync(new Uri("/", UriKind.Relative)).Soon();
        Assert.Equal(0, (await gateway.SnapshotAsync("requests")).GetProperty("rows").GetArrayLength());
        await using Visit visit = await chromium.OpenAsync(gateway, "requests");
        await visit.SeesAsync(".empty", "MtaTlsDashboard:Inspector:Enabled turns it on");
        await visit.AssertAccessibleAsync();
        await visit.Page.GotoAsync($"{gateway.Page}#/request?id=1");
        await visit.SeesAsync("#view .empty", "The request was not found.");
    }

    [Fact]
    public async Task The_number_of_requests_and_the_length_of_bodies_are_limited()
    {
        await using LiveApp gateway = await Gateway.StartAsync(static o =>
        {
            o.Inspector.Enabled = true;
            o.Inspector.MaxRequests = 2;
            o.Inspector.MaxBodyLength = 10;
            o.Inspector.BlankedHeaders.Add("x-api-key");
        });
        await using WebApplication agent = await gateway.AddAgentAsync("plant-a", static a => a.MapPost("/", static async (HttpContext context) => await context.Request.Body.CopyToAsync(context.Response.Body)));
        using HttpClient http = gateway.PublicClient();
        http.DefaultRequestHeaders.Add("X-Api-Key", "secret");
        byte[] body = [.. Encoding.UTF8.GetBytes("123456789é and more"), .. new byte[100_000]];
        for (int i = 0; i < 3; i++)
        {
            using HttpResponseMessage response = await http.PostAsync(new Uri($"/?{i}", UriKind.Relative), new ByteArrayContent(body)).Soon();
            Assert.Equal(body, await response.Content.ReadAsByteArrayAsync());
        }

        await Wait.UntilAsync(() => gateway.Services.GetRequiredService<Inspector.RequestRing>().Find(3) is not null);
        Assert.Equal(2, (await gateway.SnapshotAsync("requests")).GetProperty("rows").GetArrayLength());
        using HttpClient page = gateway.Http("operator");
        using HttpResponseMessage gone = await page.GetAsync(new Uri("api/requests/1", UriKind.Relative)).Soon();
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        JsonElement last = JsonDocument.Parse(await page.GetStringAsync(new Uri("api/requests/3", UriKind.Relative)).Soon()).RootElement;
        // A character that the limit cuts is left out.
        Assert.Equal("123456789", last.GetProperty("requestBody").GetProperty("text").GetString());
        Assert.Equal(body.Length, last.GetProperty("requestBody").GetProperty("length").GetInt64());
        Assert.True(last.GetProperty("responseBody").GetProperty("isCut").GetBoolean());
        Assert.DoesNotContain("secret", last.GetRawText(), StringComparison.Ordinal);

        // A request whose body was cut is not sent again.
        await ActionTests.SignAsync(page);
        using HttpResponseMessage replay = await page.PostAsync(new Uri("api/requests/3/replay", UriKind.Relative), null).Soon();
        Assert.Equal(HttpStatusCode.Conflict, replay.StatusCode);
        Assert.Contains("MaxBodyLength", await replay.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failed_request_is_recorded_with_its_error()
    {
        await using LiveApp gateway = await Gateway.StartAsync(s_on);
        using HttpClient http = gateway.PublicClient();
        using HttpResponseMessage response = await http.GetAsync(new Uri("/nobody-serves", UriKind.Relative)).Soon();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        await using Visit visit = await chromium.OpenAsync(gateway, "requests");
        await visit.SeesAsync("tbody td.bad", "503");
    }
}
