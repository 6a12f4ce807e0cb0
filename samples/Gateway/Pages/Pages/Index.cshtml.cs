using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace Pages.Pages;

public class IndexModel : PageModel
{
    public void OnGet()
    {

    }
}
